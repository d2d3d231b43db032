"""The page that shows which pixels the predictions depend on."""
