"""The models that the project tests, as data, and the tests over them."""
