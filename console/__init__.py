"""The operations console: bulk work in the Django admin, carried out by Celery, that nothing can lose or double."""
