"""What each step of the wizard shows, as rows and lines of text; the screens only draw them."""
