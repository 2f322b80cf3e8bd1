//! A topic's own id, which the broker gives anew when a topic of the same name is made again: that
//! its records are others is seen by nothing else once there are as many as before.
//!
//! All `unsafe` that this takes is in this file: the Rust client does not show ids.

use std::ffi::CString;
use std::ptr::NonNull;

use rdkafka::bindings as native;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::ask::ASK_TIMEOUT;
use super::client::Context;

/// Ids in the order of `topics`; `None` for one of which the broker tells none. No answer within
/// the usual time is no news: `None` altogether.
pub fn ids(consumer: &BaseConsumer<Context>, topics: &[String]) -> Option<Vec<Option<u128>>> {
    let names: Vec<CString> =
        topics.iter().map(|topic| CString::new(topic.as_str())).collect::<Result<_, _>>().ok()?;
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let client = consumer.client().native_ptr();
    // SAFETY: the client is alive; the names live until the collection, which copies them, is made;
    // everything made here is destroyed by its guard, the event last used before that.
    unsafe {
        let queue = Guard::new(native::rd_kafka_queue_new(client), native::rd_kafka_queue_destroy)?;
        let asked = Guard::new(
            native::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
            native::rd_kafka_TopicCollection_destroy,
        )?;
        native::rd_kafka_DescribeTopics(
            client,
            asked.0.as_ptr(),
            std::ptr::null(),
            queue.0.as_ptr(),
        );
        let wait_ms = ASK_TIMEOUT.as_millis() as i32;
        let event = Guard::new(
            native::rd_kafka_queue_poll(queue.0.as_ptr(), wait_ms),
            native::rd_kafka_event_destroy,
        )?;
        let result = NonNull::new(
            native::rd_kafka_event_DescribeTopics_result(event.0.as_ptr()).cast_mut(),
        )?;
        let mut count = 0;
        let described = native::rd_kafka_DescribeTopics_result_topics(result.as_ptr(), &mut count);
        (count == topics.len() && !described.is_null()).then(|| {
            (0..count).map(|index| id_of(*described.add(index))).collect::<Vec<Option<u128>>>()
        })
    }
}

/// # Safety
/// The description belongs to a result that is alive.
unsafe fn id_of(description: *const native::rd_kafka_TopicDescription_t) -> Option<u128> {
    // SAFETY: the caller's promise; the id belongs to the description.
    unsafe {
        let id = native::rd_kafka_TopicDescription_topic_id(description);
        if id.is_null() {
            return None;
        }
        let high = native::rd_kafka_Uuid_most_significant_bits(id) as u64;
        let low = native::rd_kafka_Uuid_least_significant_bits(id) as u64;
        let id = u128::from(high) << 64 | u128::from(low);
        (id != 0).then_some(id)
    }
}

/// Something of the client's that is destroyed once.
struct Guard<T>(NonNull<T>, unsafe extern "C" fn(*mut T));

impl<T> Guard<T> {
    fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(pointer).map(|pointer| Self(pointer, destroy))
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        // SAFETY: it was made here and is destroyed once, with what destroys its kind.
        unsafe { (self.1)(self.0.as_ptr()) }
    }
}
