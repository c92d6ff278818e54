"""Who may sign in: users, their passwords, sessions, tokens and invitations."""
