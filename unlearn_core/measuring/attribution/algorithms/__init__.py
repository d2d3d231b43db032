"""The attribution algorithms, one file each. Importing them loads neither torch nor Captum."""
