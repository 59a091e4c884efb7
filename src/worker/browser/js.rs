//! Small bridges to the browser that web-sys leaves open.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

/// Seconds on a clock that never goes back.
pub fn now() -> f64 {
    let performance = Reflect::get(&js_sys::global(), &"performance".into()).ok();
    performance.and_then(|p| p.dyn_into::<web_sys::Performance>().ok()).map_or_else(js_sys::Date::now, |p| p.now())
        / 1e3
}

/// Waits for the event loop's next turn. A message to oneself is not held back by 4 ms, as timers are.
pub async fn next_task() {
    let promise = Promise::new(&mut |resolve: Function, _| match MessageChannel::new() {
        Ok(channel) => {
            channel.port1().set_onmessage(Some(&resolve));
            if channel.port2().post_message(&JsValue::NULL).is_err() {
                let _ = resolve.call0(&JsValue::NULL);
            }
        }
        Err(_) => drop(resolve.call0(&JsValue::NULL)),
    });
    let _ = JsFuture::from(promise).await;
}

/// Calls method `name` of `object` with `arguments`, and awaits what it returns.
pub async fn call(object: &JsValue, name: &str, arguments: &[&JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(object, &name.into())?.dyn_into()?;
    let list: js_sys::Array = arguments.iter().copied().collect();
    let value = method.apply(object, &list)?;
    JsFuture::from(Promise::resolve(&value)).await
}

/// An exception's own words.
pub fn message(e: &JsValue) -> String {
    let text = |key: &str| Reflect::get(e, &key.into()).ok().and_then(|v| v.as_string());
    text("message").or_else(|| e.as_string()).unwrap_or_else(|| "no reason given".into())
}

/// An exception's kind ("QuotaExceededError").
pub fn kind(e: &JsValue) -> String {
    Reflect::get(e, &"name".into()).ok().and_then(|v| v.as_string()).unwrap_or_default()
}

/// Bytes of this module's linear memory.
pub fn memory() -> u64 {
    core::arch::wasm32::memory_size(0) as u64 * 65_536
}
