"""What a person can do, with nothing drawn: the operations behind menus, panels and the viewport."""
