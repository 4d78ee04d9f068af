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
    private let channel: Datagrams
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
                .bind(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture { try Datagrams(wrappingChannelSynchronously: channel) }
                }
            guard let port = channel.channel.localAddress?.port else { throw ServingError.failed("no local port") }
            return DatagramListener(handler, channel, port, metrics)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw ServingError.portTaken(name: name, host: host, port: port, holder: nil)
        } catch let error as IOError {
            throw ServingError.failed("cannot listen on \(host):\(port) (UDP): \(errnoText(error.errnoCode))")
        }
    }

    private init(_ handler: any DatagramHandler, _ channel: Datagrams, _ port: Int, _ metrics: ListenerMetrics) {
        self.handler = handler
        self.channel = channel
        self.port = port
        self.metrics = metrics
    }

    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { [self] in
                try await channel.executeThenClose { inbound, _ in
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
