"""The tasks of an application; its worker is started by celery_test.py."""

import os

from celery import Celery

QUEUE = os.environ["CELERY_QUEUE"]
URL = f"amqp://guest:guest@127.0.0.1:{os.environ['CELERY_BROKER_PORT']}//"

app = Celery("interop", broker=URL, backend="rpc://")
app.conf.update(
    task_default_queue=QUEUE,
    task_default_exchange=QUEUE,
    task_default_routing_key=QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry=True,
    control_exchange=f"{QUEUE}.control",
    event_exchange=f"{QUEUE}.events",
    result_expires=60,
)


@app.task
def add(one, other):
    return one + other


@app.task
def length(text):
    return len(text)


@app.task
def refuse():
    raise ValueError("refused")


@app.task(bind=True, default_retry_delay=0.1, max_retries=3)
def succeed_at_third(self):
    if self.request.retries < 2:
        raise self.retry()
    return self.request.retries
