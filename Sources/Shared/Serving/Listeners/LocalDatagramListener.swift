import Glibc
public import Runtime
public import ServiceLifecycle
import Synchronization

/// Listens on a datagram socket in the file system, as `/dev/log` is one.
///
/// On a thread of its own: NIO does not take datagrams of senders without a name, and those of `syslog(3)` have none.
public final class LocalDatagramListener: Service {
    private let path: String
    private let descriptor: Int32
    private let handler: any DatagramHandler
    private let metrics: ListenerMetrics
    private let isStopping = Atomic<Bool>(false)

    private static let maximumBytes = 65_536

    /// Makes the socket, in the place of one that nobody listens on any more. Whoever may write the directory's files may
    /// send with `mode` 0o666.
    public static func bind(
        name: String, path: String, mode: UInt32 = 0o666, handler: any DatagramHandler, metrics registry: MetricRegistry
    ) throws -> LocalDatagramListener {
        var address = sockaddr_un()
        let bytes = Array(path.utf8)
        let room = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard !bytes.isEmpty, bytes.count <= room, !bytes.contains(0) else {
            throw ServingError.failed("the socket's path \(path) is longer than \(room) bytes, or empty")
        }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ServingError.failed("cannot make a socket: \(errnoText(errno))") }
        func call(_ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
            // The structure is as long as its length says, and lives through the call.
            unsafe withUnsafePointer(to: address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
            }
        }
        var failure: Int32 = 0
        if unsafe call({ unsafe Glibc.bind($0, $1, $2) }) != 0 {
            failure = errno
            // Only a socket that nobody listens on is taken away.
            if failure == EADDRINUSE, unsafe call({ unsafe connect($0, $1, $2) }) != 0, errno == ECONNREFUSED, unsafe unlink(path) == 0 {
                failure = unsafe call({ unsafe Glibc.bind($0, $1, $2) }) == 0 ? 0 : errno
            }
        }
        guard failure == 0 else {
            close(descriptor)
            throw ServingError.failed("cannot listen on \(path): \(errnoText(failure))")
        }
        _ = unsafe chmod(path, mode)
        // So that the thread looks now and then whether it is to stop.
        var timeout = timeval(tv_sec: 0, tv_usec: 200_000)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        return LocalDatagramListener(path, descriptor, handler, ListenerMetrics(registry, name: name, maximumConnections: nil))
    }

    private init(_ path: String, _ descriptor: Int32, _ handler: any DatagramHandler, _ metrics: ListenerMetrics) {
        self.path = path
        self.descriptor = descriptor
        self.handler = handler
        self.metrics = metrics
    }

    deinit { close(descriptor) }

    public func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                    let thread = ListenerThread { [self] in
                        receive()
                        continuation.resume()
                    }
                    thread.start()
                }
            } onCancel: {
                isStopping.store(true, ordering: .relaxed)
            }
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .relaxed)
        }
        _ = unsafe unlink(path)
    }

    private func receive() {
        var buffer = [UInt8](repeating: 0, count: Self.maximumBytes)
        while !isStopping.load(ordering: .relaxed) {
            let count = unsafe recv(descriptor, &buffer, Self.maximumBytes, 0)
            guard count >= 0 else {
                // No datagram within the time-out, or a signal; anything else would come again at once.
                if errno != EAGAIN && errno != EINTR { usleep(100_000) }
                continue
            }
            metrics.datagrams.increment()
            metrics.bytes.increment(by: UInt64(count))
            handler.receive(Array(buffer[..<count]), from: "")
        }
    }
}

/// A thread that runs one closure.
private struct ListenerThread {
    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    func start() {
        var thread = pthread_t()
        // The box is owned by the new thread, which takes it over by one release.
        let argument = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
        let result = unsafe pthread_create(
            &thread, nil,
            { pointer in
                if let pointer = unsafe pointer { unsafe Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body() }
                return nil
            }, argument)
        precondition(result == 0, "no thread can be made")
        pthread_detach(thread)
    }
}
