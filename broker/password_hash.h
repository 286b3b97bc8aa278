#pragma once
#include <string>
#include <string_view>

namespace leveret::broker {

/// What a password is hashed with when nothing else is asked for.
inline constexpr std::string_view default_hashing_algorithm = "rabbit_password_hashing_sha256";

/// A salted SHA-256 of a password in the form of RabbitMQ's rabbit_password_hashing_sha256, so that definitions files
/// move between the two: base64(salt : 4 octets | SHA-256(salt | password)).
std::string hash_password(std::string_view password);

/// Compares in constant time.  `algorithm` by RabbitMQ's names, rabbit_password_hashing_sha256, _sha512 or _md5.  False
/// for any other, and for a hash of another form.
bool password_matches(std::string_view password, std::string_view hash,
                      std::string_view algorithm = default_hashing_algorithm);

/// Whether `password_matches` knows the algorithm.
bool is_hashing_algorithm(std::string_view name);

/// Whether a text is base64, as hashes are.
bool is_base64(std::string_view text);

}  // namespace leveret::broker
