"""What update files say of themselves: readers of their formats, and writers of two of them."""
