"""How an account begins: registration and the proof that its e-mail address is its owner's."""
