"""The reference domain: notes, their tags and attachments, and what staff may do with many of them."""
