#include "broker/mailbox.h"

#include <iterator>

namespace leveret::broker {

bool Mailbox::put(std::vector<Mail>& batch) {
  const std::lock_guard lock{mutex_};
  const bool was_empty = mail_.empty();
  if (was_empty)
    mail_.swap(batch);
  else
    mail_.insert(mail_.end(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
  batch.clear();
  return was_empty;
}

bool Mailbox::put(Mail mail) {
  const std::lock_guard lock{mutex_};
  mail_.push_back(std::move(mail));
  return mail_.size() == 1;
}

void Mailbox::take(std::vector<Mail>& batch) {
  const std::lock_guard lock{mutex_};
  mail_.swap(batch);
}

}  // namespace leveret::broker
