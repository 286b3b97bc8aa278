#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace leveret::broker {

struct ListenAddress {
  std::string host{};      // a numeric address; empty: all, IPv6 and IPv4 together, IPv4 alone where there is no IPv6
  std::uint16_t port = 0;  // 0: any free one
};

/// Errors: std::runtime_error with one line, `protocol` in it, when the address cannot be had.
boost::asio::ip::tcp::acceptor listen(boost::asio::io_context& context, const ListenAddress& address,
                                      std::string_view protocol);

}  // namespace leveret::broker
