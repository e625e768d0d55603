"""Messages to and from other programs: the outbox is relayed to RabbitMQ or to a bus in this process."""
