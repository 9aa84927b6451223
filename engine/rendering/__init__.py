"""Pictures of Geometry by casting rays, with no OpenGL: thumbnails, gallery pictures, reports without a display."""
