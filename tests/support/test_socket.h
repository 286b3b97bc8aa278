#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace leveret::test {

/// A client's socket to a port of this machine.  Waits for its peer, but never longer than `event_patience`.
///
/// Errors: TestFailure when the peer lets it wait too long, or has gone while something was to be sent.
class TestSocket {
 public:
  /// `receive_buffer_octets` bounds what the kernel takes for a client that does not read; 0 leaves it to the kernel.
  explicit TestSocket(std::uint16_t port, int receive_buffer_octets = 0);
  TestSocket(TestSocket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), received_(std::move(other.received_)) {}
  TestSocket& operator=(TestSocket&&) = delete;
  ~TestSocket() { close(); }

  /// Sends all of it; what arrives meanwhile is kept.
  void send(std::string_view octets);
  /// Sends without waiting for the peer to read; how many octets the kernel took.
  std::size_t send_some(std::string_view octets);

  /// What has arrived and was not taken yet; waits for at least one octet.  Empty when the peer has closed.
  std::string receive();
  /// False when nothing has arrived yet, and nothing has ended.
  bool has_input();

  void close();
  /// Ends without a farewell: the peer gets a reset.
  void vanish();
  /// No more is sent; what arrives can still be received.
  void end_output();

 private:
  bool wait_for(short events) const;
  void keep_what_arrives();

  int descriptor_;
  std::string received_{};
};

}  // namespace leveret::test
