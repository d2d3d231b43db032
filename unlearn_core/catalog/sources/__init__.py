"""Where the pictures of an image set come from, and which classes of their own they carry."""
