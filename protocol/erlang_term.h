#pragma once
#include <cstddef>
#include <string>

#include "protocol/octets.h"

namespace leveret::protocol {

/// `<<1,2,255>>`: octets as RabbitMQ's "cannot decode ..." writes them (Erlang's ~w).
/// Lists at most `count_max` of them: a reply text holds no more than 255 octets.
std::string erlang_octets(Octets octets, std::size_t count_max = 256);

/// The same as Erlang's ~p writes it: `<<"abc">>` where all octets are printable, else the list, broken into lines
/// of 80 columns; `column` is where the text starts on its first line.
std::string erlang_pretty(Octets octets, std::size_t column);

}  // namespace leveret::protocol
