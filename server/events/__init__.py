"""What others should hear goes through here: `record()` inside the transaction, a doorbell on commit."""
