import InternetAddresses
import NIOCore
import NIOPosix
import Runtime
import Synchronization

/// What all listeners of a proxy share: event loops, bounds and counts.
final class ProxyContext: Sendable {
    let group: any EventLoopGroup
    /// Connections at one time; each holds two descriptors.
    let connectionLimit: Int
    private let open = Atomic<Int>(0)
    let epoch = ContinuousClock.now

    let accepted: Counter
    let noEndpoint: Counter
    let dialFailures: Counter
    let abandoned: Counter
    let overLimit: Counter
    let bytesToBackends: Counter
    let bytesToClients: Counter
    let dialTime: Histogram

    init(group: any EventLoopGroup, connectionLimit: Int, metrics: MetricRegistry) {
        self.group = group
        self.connectionLimit = connectionLimit
        accepted = metrics.counter("binnacle_proxy_connections_total", "Connections that clients made to services.")
        noEndpoint = metrics.counter("binnacle_proxy_no_endpoint_total", "Connections reset because the service had no ready endpoint.")
        dialFailures = metrics.counter("binnacle_proxy_dial_failures_total", "Endpoints that could not be connected to; the next is tried.")
        abandoned = metrics.counter("binnacle_proxy_dial_abandoned_total", "Connections reset because no endpoint could be connected to.")
        overLimit = metrics.counter("binnacle_proxy_over_limit_total", "Connections reset because too many were open.")
        bytesToBackends = metrics.counter("binnacle_proxy_bytes_total", "Bytes carried.", ["direction": "to_endpoint"])
        bytesToClients = metrics.counter("binnacle_proxy_bytes_total", "Bytes carried.", ["direction": "to_client"])
        dialTime = metrics.histogram("binnacle_proxy_dial_seconds", "Time until an endpoint was connected, retries included.")
    }

    var openConnections: Int { open.load(ordering: .relaxed) }
    var now: Duration { epoch.duration(to: .now) }

    /// Takes a place, or says that there is none.
    func enter() -> Bool {
        if open.wrappingAdd(1, ordering: .relaxed).newValue <= connectionLimit { return true }
        leave()
        return false
    }
    func leave() { open.wrappingSubtract(1, ordering: .relaxed) }
}

/// One frontend: a listening socket, and the choice of back ends behind it.
final class Listener: Sendable {
    let frontend: Frontend
    private let context: ProxyContext
    private let chooser: Mutex<BackendChooser>
    private let channel = Mutex<(any Channel)?>(nil)
    private let children = Mutex<[ObjectIdentifier: any Channel]>([:])

    /// One try after another: an endpoint that does not answer costs little, a slow network gets a fair chance.
    static let dialTimeouts: [TimeAmount] = [.milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2)]

    init(_ frontend: Frontend, _ portal: ProxyPlan.Portal, context: ProxyContext) {
        self.frontend = frontend
        self.context = context
        chooser = Mutex(BackendChooser(backends: portal.backends, affinity: portal.affinity))
    }

    func change(_ portal: ProxyPlan.Portal) { chooser.withLock { $0.change(backends: portal.backends, affinity: portal.affinity) } }

    /// Binds; throws what the kernel says, such as EADDRINUSE.
    func open() async throws {
        let bootstrap = ServerBootstrap(group: context.group)
            .serverChannelOption(ChannelOptions.backlog, value: 1024)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(ChannelOptions.autoRead, value: false)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                self.accept(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
        let bound = try await bootstrap.bind(host: frontend.address.description, port: frontend.port).get()
        channel.withLock { $0 = bound }
    }

    /// Stops listening. Open connections live on unless `endingConnections`.
    func close(endingConnections: Bool) async {
        let bound = channel.withLock { channel in
            defer { channel = nil }
            return channel
        }
        try? await bound?.close().get()
        if endingConnections {
            for child in children.withLock({ Array($0.values) }) { child.close(promise: nil) }
        }
    }

    /// On the client's event loop, before the channel is active. A connect to an address of this machine can succeed
    /// on the spot, so the dial waits for that.
    private func accept(_ client: any Channel) {
        let context = context
        context.accepted.increment()
        let hasPlace = context.enter()
        let side = GlueHandler({ context.bytesToBackends.increment(by: UInt64($0)) })
        let bound = NIOLoopBound(side, eventLoop: client.eventLoop)
        side.whenActive {
            guard hasPlace else {
                context.overLimit.increment()
                client.reset()
                return
            }
            self.dial(for: client, bound, address: client.remoteAddress?.ipAddress ?? "", attempt: 0, since: context.now)
        }
        if hasPlace {
            let id = ObjectIdentifier(client)
            children.withLock { $0[id] = client }
            client.closeFuture.whenComplete { _ in
                self.children.withLock { $0[id] = nil }
                context.leave()
            }
        }
        do {
            // From the first moment on: a client that has sent all and ended its stream must not be lost.
            try client.pipeline.syncOperations.addHandler(side)
        } catch {
            client.close(promise: nil)
        }
    }

    private func dial(for client: any Channel, _ side: NIOLoopBound<GlueHandler>, address: String, attempt: Int, since start: Duration) {
        guard client.isActive else { return }
        guard attempt < Self.dialTimeouts.count else {
            context.abandoned.increment()
            client.reset()
            return
        }
        guard let backend = chooser.withLock({ $0.choose(client: address, now: context.now, isRetry: attempt > 0) }) else {
            context.noEndpoint.increment()
            client.reset()
            return
        }
        guard let target = try? SocketAddress(ipAddress: backend.address, port: backend.port) else {
            context.dialFailures.increment()
            dial(for: client, side, address: address, attempt: attempt + 1, since: start)
            return
        }
        // The same loop on both sides: the glue needs no locks.
        ClientBootstrap(group: client.eventLoop)
            .connectTimeout(Self.dialTimeouts[attempt])
            .channelOption(ChannelOptions.autoRead, value: false)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .connect(to: target)
            .whenComplete { result in
                switch result {
                case .success(let server):
                    self.context.dialTime.observe(self.context.now - start)
                    self.glue(client, side.value, server)
                case .failure:
                    self.context.dialFailures.increment()
                    self.dial(for: client, side, address: address, attempt: attempt + 1, since: start)
                }
            }
    }

    /// On the event loop of both.
    private func glue(_ client: any Channel, _ side: GlueHandler, _ server: any Channel) {
        guard client.isActive else {
            server.close(promise: nil)
            return
        }
        let context = context
        let other = GlueHandler { context.bytesToClients.increment(by: UInt64($0)) }
        do {
            try server.pipeline.syncOperations.addHandler(other)
        } catch {
            // Only a channel that has just closed refuses a handler.
            client.close(promise: nil)
            server.close(promise: nil)
            return
        }
        GlueHandler.join(side, other)
        for channel in [client, server] { _ = channel.setOption(ChannelOptions.autoRead, value: true) }
    }
}
