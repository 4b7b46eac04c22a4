"""Problems with their exact fields: named, made, stored and read back."""
