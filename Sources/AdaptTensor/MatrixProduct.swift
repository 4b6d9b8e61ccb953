import AdaptPlatform
import COneDNN

/// A library's product of large matrices, run in the calling thread.
protocol MatrixProduct: Sendable {
  /// Computes a product of which no size is 0. Returns whether it was done; if not, C is as it
  /// was.
  func multiply(_ p: Product) -> Bool
}

/// Products by oneDNN's `dnnl_sgemm`, which takes any size without preparation.
struct OneDNN: MatrixProduct {
  func multiply(_ p: Product) -> Bool {
    let before = OpenMP.limitToOneThread()
    defer { OpenMP.restore(before) }
    return dnnl_sgemm(
      Self.flag(p.a.transposed), Self.flag(p.b.transposed), dnnl_dim_t(p.m), dnnl_dim_t(p.n),
      dnnl_dim_t(p.k), 1, p.a.pointer, dnnl_dim_t(p.a.stride), p.b.pointer,
      dnnl_dim_t(p.b.stride), p.accumulate ? 1 : 0, p.c, dnnl_dim_t(p.cStride)) == dnnl_success
  }

  private static func flag(_ transpose: Bool) -> CChar {
    CChar(UInt8(ascii: transpose ? "T" : "N"))
  }
}

/// The OpenMP run time that oneDNN brings along, if it was built with one.
///
/// Its threads would compete with ours for the processors, so each call limits them to one. The
/// limit belongs to the calling thread, which may be the host's, and so it is put back.
private enum OpenMP {
  private typealias Set = @convention(c) (Int32) -> Void
  private typealias Get = @convention(c) () -> Int32

  private static let set = symbol("omp_set_num_threads").map { unsafeBitCast($0, to: Set.self) }
  private static let get = symbol("omp_get_max_threads").map { unsafeBitCast($0, to: Get.self) }

  private static func symbol(_ name: String) -> UnsafeMutableRawPointer? {
    guard let program = dlopen(nil, RTLD_NOW) else { return nil }
    return dlsym(program, name)
  }

  /// Returns what to restore, or nil when there is nothing to.
  static func limitToOneThread() -> Int32? {
    guard let set, let get else { return nil }
    let before = get()
    guard before != 1 else { return nil }
    set(1)
    return before
  }

  static func restore(_ threads: Int32?) {
    if let threads { set?(threads) }
  }
}
