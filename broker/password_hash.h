#pragma once
#include <string>
#include <string_view>

namespace leveret::broker {

/// A salted SHA-256 of a password in the form of RabbitMQ's rabbit_password_hashing_sha256, so that definitions files
/// move between the two: base64(salt : 4 octets | SHA-256(salt | password)).
std::string hash_password(std::string_view password);

/// Compares in constant time.  False for a hash of another form.
bool password_matches(std::string_view password, std::string_view hash);

}  // namespace leveret::broker
