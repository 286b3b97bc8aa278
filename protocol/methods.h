#pragma once
#include "protocol/methods/access.h"
#include "protocol/methods/basic.h"
#include "protocol/methods/channel.h"
#include "protocol/methods/confirm.h"
#include "protocol/methods/connection.h"
#include "protocol/methods/exchange.h"
#include "protocol/methods/queue.h"
#include "protocol/methods/tx.h"

namespace leveret::protocol {

/// What a client may send to RabbitMQ, the methods of every message first: the order in which they are looked up.
/// Left out are channel.flow-ok and basic.cancel-ok: this server sends nothing that they answer.
using ClientMethods =
    MethodList<basic::Publish, basic::Ack, basic::Nack, basic::Reject, basic::Get, basic::Consume, basic::Cancel,
               basic::Qos, basic::Recover, basic::RecoverAsync, connection::StartOk, connection::SecureOk,
               connection::TuneOk, connection::Open, connection::Close, connection::CloseOk, connection::UpdateSecret,
               channel::Open, channel::Flow, channel::Close, channel::CloseOk, exchange::Declare, exchange::Delete,
               exchange::Bind, exchange::Unbind, queue::Declare, queue::Bind, queue::Unbind, queue::Purge,
               queue::Delete, confirm::Select, tx::Select, tx::Commit, tx::Rollback, access::Request>;

/// What a server may send.
using ServerMethods =
    MethodList<connection::Start, connection::Secure, connection::Tune, connection::OpenOk, connection::Close,
               connection::CloseOk, connection::Blocked, connection::Unblocked, connection::UpdateSecretOk,
               channel::OpenOk, channel::Flow, channel::FlowOk, channel::Close, channel::CloseOk, exchange::DeclareOk,
               exchange::DeleteOk, exchange::BindOk, exchange::UnbindOk, queue::DeclareOk, queue::BindOk,
               queue::UnbindOk, queue::PurgeOk, queue::DeleteOk, basic::QosOk, basic::ConsumeOk, basic::Cancel,
               basic::CancelOk, basic::Return, basic::Deliver, basic::GetOk, basic::GetEmpty, basic::Ack, basic::Nack,
               basic::RecoverOk, confirm::SelectOk, tx::SelectOk, tx::CommitOk, tx::RollbackOk, access::RequestOk>;

}  // namespace leveret::protocol
