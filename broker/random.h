#pragma once
#include <span>

namespace leveret::broker {

/// Fills `octets` with random ones that nobody can guess: the kernel's, which are there at once, where a cryptographic
/// library would first set up a generator of its own.
///
/// Errors: std::system_error, where the kernel has none.
void fill_with_random(std::span<unsigned char> octets);

}  // namespace leveret::broker
