"""The teachers job: a weekly letter on attendance and homework to everyone who teaches."""
