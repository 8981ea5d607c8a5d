"""The plugins that come with the framework, each written as an institution would write its own."""
