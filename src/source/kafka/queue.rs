//! One partition's own queue in the client, read many records at a time. The records stay in the
//! client's memory until they are dropped: nothing is copied here.
//!
//! `rdkafka` hands out one record a call, each with an event around it; the batch call of the C
//! client costs about a third less. All `unsafe` of the source is in this file.

use std::ffi::{CString, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use rdkafka::bindings as native;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::client::Context;
use super::log::{Held, Queue, Taken};
use crate::model::time::Millis;

/// Called whenever records come while none were waiting.
type Wake = Box<dyn Fn() + Send + Sync>;

/// The queue. Dropped before the consumer it belongs to.
pub struct PartitionQueue {
    queue: NonNull<native::rd_kafka_queue_t>,
    /// Boxed twice: the client keeps a thin pointer to it.
    wake: Option<Box<Wake>>,
    /// Reused between calls.
    taken: Vec<*mut native::rd_kafka_message_t>,
    _consumer: Arc<BaseConsumer<Context>>,
}

// SAFETY: the client's queues may be used from any thread; it lends nothing out.
unsafe impl Send for PartitionQueue {}

/// A record in the client's memory.
#[derive(Debug)]
pub struct Record(NonNull<native::rd_kafka_message_t>);

// SAFETY: a message belongs to whoever took it and may be destroyed on any thread.
unsafe impl Send for Record {}

impl PartitionQueue {
    /// Gives a partition its own queue: its records no longer come by the consumer's.
    pub fn split(
        consumer: &Arc<BaseConsumer<Context>>,
        topic: &str,
        partition: i32,
    ) -> Option<Self> {
        let topic = CString::new(topic).ok()?;
        // SAFETY: the consumer is alive, the name ends in 0; the queue is counted and destroyed in
        // `drop`.
        let queue = unsafe {
            native::rd_kafka_queue_get_partition(
                consumer.client().native_ptr(),
                topic.as_ptr(),
                partition,
            )
        };
        let queue = NonNull::new(queue)?;
        // SAFETY: the queue is ours; a null target ends the forwarding.
        unsafe { native::rd_kafka_queue_forward(queue.as_ptr(), ptr::null_mut()) };
        Some(Self { queue, wake: None, taken: Vec::new(), _consumer: Arc::clone(consumer) })
    }

    /// Calls `wake` whenever records come while none were waiting.
    pub fn on_arrival(&mut self, wake: impl Fn() + Send + Sync + 'static) {
        unsafe extern "C" fn call(_: *mut native::rd_kafka_t, wake: *mut c_void) {
            // SAFETY: the pointer is `self.wake`'s, which lives until the call-back is taken off.
            let wake = unsafe { &*wake.cast::<Wake>() };
            wake();
        }
        let wake: Box<Wake> = Box::new(Box::new(wake));
        let pointer = ptr::from_ref::<Wake>(&wake).cast_mut().cast::<c_void>();
        // SAFETY: as in `call`; replacing a call-back waits for one that runs.
        unsafe {
            native::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), Some(call), pointer);
        }
        self.wake = Some(wake);
    }
}

impl Queue for PartitionQueue {
    fn take(&mut self, most: usize, mut each: impl FnMut(Taken)) {
        // The call is told not to wait: it would wait for all of them.
        self.taken.resize(most, ptr::null_mut());
        // SAFETY: the array has `most` places; what is filled in belongs to us.
        let count = unsafe {
            native::rd_kafka_consume_batch_queue(
                self.queue.as_ptr(),
                0,
                self.taken.as_mut_ptr(),
                most,
            )
        };
        self.taken.truncate(usize::try_from(count).unwrap_or(0));
        for message in self.taken.drain(..).filter_map(NonNull::new) {
            each(Record(message).sorted());
        }
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: the queue is ours, and its consumer is still alive.
        unsafe {
            native::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, ptr::null_mut());
            native::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

impl Record {
    fn sorted(self) -> Taken {
        use native::rd_kafka_resp_err_t::*;
        match self.message().err {
            RD_KAFKA_RESP_ERR_NO_ERROR => Taken::Record(Held::fetched(self)),
            RD_KAFKA_RESP_ERR__PARTITION_EOF => Taken::End(self.offset()),
            error => Taken::Trouble(error.into()),
        }
    }

    fn message(&self) -> &native::rd_kafka_message_t {
        // SAFETY: ours until `drop`.
        unsafe { self.0.as_ref() }
    }

    /// Its offset.
    pub fn offset(&self) -> i64 {
        self.message().offset
    }

    /// Its timestamp, if it has one.
    pub fn time_ms(&self) -> Option<Millis> {
        let mut kind = native::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is ours.
        let time_ms = unsafe { native::rd_kafka_message_timestamp(self.0.as_ptr(), &mut kind) };
        (time_ms != -1).then_some(time_ms)
    }

    /// Its body; empty for none.
    pub fn payload(&self) -> &[u8] {
        let message = self.message();
        // SAFETY: the message is ours and holds so many bytes there.
        unsafe { bytes(message.payload, message.len) }.unwrap_or_default()
    }

    /// Its key.
    pub fn key(&self) -> Option<&[u8]> {
        let message = self.message();
        // SAFETY: as in `payload`.
        unsafe { bytes(message.key, message.key_len) }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // SAFETY: it is destroyed once, here.
        unsafe { native::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

/// # Safety
/// `start`, unless null, points to `len` bytes that live as long as the caller says.
unsafe fn bytes<'a>(start: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start.cast::<u8>(), len) })
}
