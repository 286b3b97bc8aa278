// The one place in the program that compiles Boost.JSON: there is no library of it to link.
#include <boost/json/src.hpp>
