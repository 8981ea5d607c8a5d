"""The second factor: an authenticator app's codes (RFC 6238), and backup codes for when it is lost."""
