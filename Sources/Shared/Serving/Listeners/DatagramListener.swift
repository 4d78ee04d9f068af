import Glibc
import NIOCore
import NIOPosix
public import Runtime
public import ServiceLifecycle

/// Takes datagrams, each whole. It must be quick, for what comes meanwhile waits in the kernel, which drops what is too much.
public protocol DatagramHandler: Sendable {
    /// - Parameter peer: the sender's address without its port; empty if it has none.
    func receive(_ datagram: [UInt8], from peer: String)
}

/// Listens on one UDP address.
public final class DatagramListener: Service {
    private typealias Datagrams = NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>

    private let handler: any DatagramHandler
    /// Plain until it runs: a `NIOAsyncChannel` that nobody takes ends the process.
    private let channel: any Channel
    private let metrics: ListenerMetrics
    public let port: Int

    /// Of the largest datagram.
    private static let maximumBytes = 65_536
    /// Asked of the kernel, for bursts.
    private static let kernelBuffer: Int32 = 4 << 20

    /// - Parameters:
    ///   - name: in metrics and messages.
    ///   - port: 0 for any free one.
    public static func bind(
        name: String, host: String, port: Int, handler: any DatagramHandler, metrics registry: MetricRegistry
    ) async throws -> DatagramListener {
        let metrics = ListenerMetrics(registry, name: name, maximumConnections: nil)
        do {
            let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.socketOption(.so_rcvbuf), value: .init(kernelBuffer))
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: maximumBytes))
                // Until it runs, datagrams wait in the kernel.
                .channelOption(.autoRead, value: false)
                .bind(host: host, port: port).get()
            guard let port = channel.localAddress?.port else { throw ServingError.failed("no local port") }
            return DatagramListener(handler, channel, port, metrics)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw ServingError.portTaken(name: name, host: host, port: port, holder: nil)
        } catch let error as IOError {
            throw ServingError.failed("cannot listen on \(host):\(port) (UDP): \(errnoText(error.errnoCode))")
        }
    }

    private init(_ handler: any DatagramHandler, _ channel: any Channel, _ port: Int, _ metrics: ListenerMetrics) {
        self.handler = handler
        self.channel = channel
        self.port = port
        self.metrics = metrics
    }

    /// One that never ran gives its port back too.
    deinit { channel.close(promise: nil) }

    public func run() async throws {
        do {
            let channel = channel
            let datagrams = try await channel.eventLoop.submit {
                let datagrams = try Datagrams(wrappingChannelSynchronously: channel)
                try channel.syncOptions?.setOption(.autoRead, value: true)
                return datagrams
            }.get()
            try await cancelWhenGracefulShutdown { [self] in
                try await datagrams.executeThenClose { inbound, _ in
                    for try await envelope in inbound {
                        metrics.datagrams.increment()
                        metrics.bytes.increment(by: UInt64(envelope.data.readableBytes))
                        handler.receive(Array(envelope.data.readableBytesView), from: envelope.remoteAddress.ipAddress ?? "")
                    }
                }
            }
        } catch is CancellationError {
            // How shutdown arrives: a normal end.
        }
    }
}
