#include "tests/support/test_socket.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/waiting.h"

namespace leveret::test {
namespace {

std::string error_text(const char* what) {
  return std::string{what} + ": " + std::strerror(errno);
}

}  // namespace

TestSocket::TestSocket(std::uint16_t port, int receive_buffer_octets)
    : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (descriptor_ < 0) throw TestFailure{error_text("no socket")};
  if (receive_buffer_octets > 0)
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_octets, sizeof receive_buffer_octets);
  const int one = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string text = error_text("cannot connect");
    close();
    throw TestFailure{text};
  }
}

bool TestSocket::wait_for(short events) const {
  pollfd waiting{.fd = descriptor_, .events = events, .revents = 0};
  const int patience = static_cast<int>(std::chrono::milliseconds{event_patience}.count());
  if (::poll(&waiting, 1, patience) <= 0) throw TestFailure{"the peer lets us wait too long"};
  return waiting.revents & POLLIN;
}

std::size_t TestSocket::send_some(std::string_view octets) {
  const ssize_t sent = ::send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
  throw TestFailure{error_text("cannot send")};
}

void TestSocket::send(std::string_view octets) {
  while (true) {
    octets.remove_prefix(send_some(octets));
    if (octets.empty()) return;
    // A peer that waits until we read must not make us wait for it.
    if (wait_for(POLLIN | POLLOUT)) keep_what_arrives();
  }
}

void TestSocket::keep_what_arrives() {
  std::string octets(256 * 1024, '\0');
  const ssize_t size = ::recv(descriptor_, octets.data(), octets.size(), MSG_DONTWAIT);
  if (size > 0) received_.append(octets, 0, static_cast<std::size_t>(size));
}

std::string TestSocket::receive() {
  if (received_.empty()) {
    wait_for(POLLIN);
    keep_what_arrives();
  }
  return std::exchange(received_, {});
}

bool TestSocket::has_input() {
  pollfd waiting{.fd = descriptor_, .events = POLLIN, .revents = 0};
  return !received_.empty() || ::poll(&waiting, 1, 0) > 0;
}

void TestSocket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void TestSocket::vanish() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void TestSocket::end_output() {
  ::shutdown(descriptor_, SHUT_WR);
}

}  // namespace leveret::test
