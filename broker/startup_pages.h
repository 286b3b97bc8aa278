#pragma once

namespace leveret::broker {

/// Takes the pages of code and constants out of resident memory, the program's and its libraries'.  Much of them is
/// needed once, at the start; what is used again comes back when it is touched, from the page cache.
void release_startup_pages();

}  // namespace leveret::broker
