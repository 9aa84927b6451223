"""What a person sees around the viewport: docks, bars, plots, the theme they share."""
