#pragma once
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

namespace leveret::management::control {

/// The broker does not answer on its local socket.
class Unavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The broker's HTTP API, asked over the socket in its data directory, where its administrator needs no password.
class Api {
 public:
  struct Answer {
    unsigned status = 0;
    boost::json::value body{};  // null when there is none

    bool is_success() const { return status < 300; }
    /// Why it was refused; empty when it does not say.
    std::string reason() const;
  };
  struct Request {
    std::string_view method = "GET";
    std::string target{};
    std::string body{};
    std::string authorization{};  // "Basic ...", to ask as somebody else
  };

  Api(std::filesystem::path socket, std::chrono::milliseconds timeout)
      : socket_(std::move(socket)), timeout_(timeout) {}

  const std::filesystem::path& socket() const { return socket_; }

  /// One request on a connection of its own.  Throws: Unavailable.
  Answer ask(const Request& request) const;
  Answer get(std::string target) const { return ask({.target = std::move(target)}); }

 private:
  std::filesystem::path socket_;
  std::chrono::milliseconds timeout_;
};

}  // namespace leveret::management::control
