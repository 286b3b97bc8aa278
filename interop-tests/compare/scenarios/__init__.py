"""The scenarios, one file per part of the protocol; importing this registers all of them."""

from scenarios import handshake, channels, exchanges, queues
from scenarios import messages, deliveries, content, modes
from scenarios import streams
from scenarios import permissions
