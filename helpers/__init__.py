"""The small package that every notebook imports."""
