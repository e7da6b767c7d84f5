"""What the lowest floors share: files that appear whole, a quiet import."""
