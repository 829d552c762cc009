"""Reading polygon files that strangers send: guards first, then formats, then meaning."""
