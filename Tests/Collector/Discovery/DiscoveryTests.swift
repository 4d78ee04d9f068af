import Discovery
import Testing

@Suite struct DiscoveryTests {}
