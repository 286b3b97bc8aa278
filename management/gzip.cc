#include "management/gzip.h"

#include <cstdint>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/crc.hpp>

namespace leveret::management {
namespace {

namespace zlib = boost::beast::zlib;

/// Deflate, no flags, no time, the fastest way of compressing, from Unix.
constexpr std::string_view header{"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03", 10};
constexpr int fastest = 1;

void append_little_endian(std::string& to, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) to += static_cast<char>(number >> shift & 0xFF);
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

}  // namespace

std::string gzip(std::string_view text) {
  zlib::deflate_stream stream;
  stream.reset(fastest, 15, 8, zlib::Strategy::normal);
  std::string file{header};
  file.resize(header.size() + stream.upper_bound(text.size()) + 16);
  zlib::z_params deflating;
  deflating.next_in = text.data();
  deflating.avail_in = text.size();
  deflating.next_out = file.data() + header.size();
  deflating.avail_out = file.size() - header.size();
  boost::system::error_code error;
  stream.write(deflating, zlib::Flush::finish, error);
  file.resize(header.size() + deflating.total_out);
  boost::crc_32_type checksum;
  checksum.process_bytes(text.data(), text.size());
  append_little_endian(file, checksum.checksum());
  append_little_endian(file, static_cast<std::uint32_t>(text.size()));
  return file;
}

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    std::string_view parameters = take_until(accept_encoding, ',');
    const std::string coding = boost::algorithm::trim_copy(std::string{take_until(parameters, ';')});
    if (!boost::algorithm::iequals(coding, "gzip")) continue;
    const std::string weight = boost::algorithm::trim_copy(std::string{parameters});
    return weight.find_first_not_of("qQ=0. ") != std::string::npos || weight.empty();
  }
  return false;
}

}  // namespace leveret::management
