#include "broker/listener.h"

#include <stdexcept>

#include <fmt/format.h>

namespace leveret::broker {

using boost::asio::ip::tcp;

namespace {

tcp::endpoint open_for_all(tcp::acceptor& acceptor, std::uint16_t port) {
  boost::system::error_code error;
  acceptor.open(tcp::v6(), error);
  if (!error) {
    acceptor.set_option(boost::asio::ip::v6_only{false});
    return {tcp::v6(), port};
  }
  acceptor.open(tcp::v4());
  return {tcp::v4(), port};
}

tcp::endpoint open_for_one(tcp::acceptor& acceptor, const ListenAddress& address) {
  const tcp::endpoint endpoint{boost::asio::ip::make_address(address.host), address.port};
  acceptor.open(endpoint.protocol());
  // 0.0.0.0 and :: may each have a listener of their own.
  if (endpoint.address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only{true});
  return endpoint;
}

}  // namespace

tcp::acceptor listen(boost::asio::io_context& context, const ListenAddress& address, std::string_view protocol) {
  tcp::acceptor acceptor{context};
  const tcp::endpoint endpoint =
      address.host.empty() ? open_for_all(acceptor, address.port) : open_for_one(acceptor, address);
  acceptor.set_option(tcp::acceptor::reuse_address{true});
  boost::system::error_code error;
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error)
    throw std::runtime_error{fmt::format("cannot listen on port {}{} ({}): {}", address.port,
                                         address.host.empty() ? "" : " of " + address.host, protocol, error.message())};
  return acceptor;
}

}  // namespace leveret::broker
