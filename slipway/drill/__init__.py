"""The rollback drill: a good model, then a bad one, under live traffic; what happened beside what was foretold."""
