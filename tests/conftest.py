"""What every test of the project may use besides the shipped plugin."""

pytest_plugins = ["pytester"]
