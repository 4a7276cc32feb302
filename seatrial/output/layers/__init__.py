"""The layers of images for people and programs: in the terminal, as SVG and HTML, as JSON."""
