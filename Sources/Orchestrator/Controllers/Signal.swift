import Synchronization

/// Wakes one waiting task. Many signals before a wait count as one.
package final class Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    package init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    package func wake() { continuation.yield() }

    /// One element for each time that a wait found the signal set; ends when the waiting task is cancelled.
    package var waits: AsyncStream<Void> { stream }
}
