"""What each vendor's API says: builds requests, reads responses. No I/O."""
