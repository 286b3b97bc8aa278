#include "broker/streams/stream_log.h"

#include <algorithm>
#include <utility>

namespace leveret::broker {
namespace {

/// `committed` is what had been written when it was asked: at its end the store has nothing more of that.
StreamPage make_page(Position from, const storage::ReadResult& result, Position committed) {
  StreamPage page{.begin = from, .first = from, .end = result.is_end ? std::max(result.next, committed) : result.next};
  if (result.messages.empty()) return page;
  page.first = result.messages.front().position;
  page.messages.reserve(result.messages.size());
  for (const storage::StoredMessage& stored : result.messages) {
    const Position expected = page.first + page.messages.size();
    if (stored.position != expected) {
      page.end = expected;  // what is behind a gap is read apart
      break;
    }
    page.messages.push_back(Message::from_stored(stored.content));
    if (page.messages.back()) page.octets += page.messages.back()->footprint();
  }
  return page;
}

}  // namespace

void StreamLog::restore(Position begin, Position end) {
  begin_ = begin;
  committed_ = tail_begin_ = end;
}

// --- writing

void StreamLog::append(MessageRef message, std::uint32_t octets, const ConfirmTicket& ticket) {
  const AppendNumber number = log_.append_to_stream(queue_, end(), message, octets, ticket);
  tail_octets_ += message->footprint();
  tail_.push_back({std::move(message), number});
}

bool StreamLog::note_written() {
  const Position before = committed_;
  while (committed_ < end() && log_.is_written(tail_[committed_ - tail_begin_].append)) ++committed_;
  return committed_ > before;
}

void StreamLog::drop_before(Position begin) {
  log_.purge(queue_, begin_, begin);
  begin_ = begin;
  for (; tail_begin_ < std::min(begin, committed_); ++tail_begin_) {
    tail_octets_ -= tail_.front().message->footprint();
    tail_.pop_front();
  }
}

void StreamLog::withdraw() {
  for (Position position = committed_; position < end(); ++position)
    log_.withdraw(tail_[position - tail_begin_].append);
}

// --- reading

const MessageRef* StreamLog::read(StreamReader& reader) {
  reader.next = std::max(reader.next, begin_);
  for (;;) {
    if (reader.page && reader.page->covers(reader.next)) {
      const StreamPage& page = *reader.page;
      reader.next = std::max(reader.next, page.first);
      while (reader.next - page.first < page.messages.size()) {
        const MessageRef& message = page.messages[reader.next - page.first];
        if (message) return &message;
        ++reader.next;
      }
      reader.next = page.end;
    }
    reader.page.reset();
    if (reader.next >= committed_) return nullptr;
    if (is_in_tail(reader.next)) return &tail_[reader.next - tail_begin_].message;
    reader.page = find_page(reader.next);
    if (reader.page) continue;
    request(reader.next);
    return nullptr;
  }
}

void StreamLog::read_ahead(const StreamReader& reader) {
  if (!reader.page) return;
  const Position next = reader.page->end;
  if (next >= tail_begin_ || find_page(next)) return;
  request(next);
}

std::shared_ptr<const StreamPage> StreamLog::find_page(Position position) {
  const auto found = std::ranges::find_if(pages_, [&](const auto& page) { return page->covers(position); });
  if (found == pages_.end()) return {};
  pages_.splice(pages_.begin(), pages_, found);
  return pages_.front();
}

void StreamLog::request(Position from) {
  // What is being read from a little before will most likely cover it.
  const auto is_near = [&](const Request& request) {
    return request.from <= from && from - request.from < StreamLog::page_limits.messages;
  };
  if (std::ranges::any_of(requests_, is_near)) return;
  requests_.push_back({.from = from, .committed = committed_});
  read_from_(from);
}

void StreamLog::take_page(Position from, const storage::ReadResult& result) {
  const auto request = std::ranges::find(requests_, from, &Request::from);
  StreamPage page = make_page(from, result, request->committed);
  requests_.erase(request);
  pages_octets_ += page.octets;
  pages_.push_front(std::make_shared<const StreamPage>(std::move(page)));
  trim_pages(octets_max);
}

void StreamLog::forget_request(Position from) {
  requests_.erase(std::ranges::find(requests_, from, &Request::from));
}

// --- memory

void StreamLog::forget(std::size_t left_max) {
  trim_tail(left_max);
  trim_pages(left_max);
}

void StreamLog::trim_tail(std::size_t left_max) {
  while (tail_octets_ > left_max && tail_begin_ < committed_) {
    tail_octets_ -= tail_.front().message->footprint();
    tail_.pop_front();
    ++tail_begin_;
  }
}

void StreamLog::trim_pages(std::size_t left_max) {
  while (pages_octets_ > left_max && pages_.size() > 1) {
    pages_octets_ -= pages_.back()->octets;
    pages_.pop_back();
  }
}

}  // namespace leveret::broker
