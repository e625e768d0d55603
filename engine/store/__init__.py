"""What is kept on disk. The order log is the only part of it that trading waits for."""
