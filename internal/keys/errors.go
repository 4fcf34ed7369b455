package keys

import "hawker/internal/fault"

// What a keystore refuses. None of them holds a byte of a key, PIN or track.
var (
	// ErrMAC: the message is not what its sender authenticated. Sign on again.
	ErrMAC = fault.New(fault.Invalid, "mac_wrong", "报文校验不通过，请重新签到。", "The message check failed. Please sign on again.")
	// ErrPINBlock: the PIN block makes no sense under its key and card number. Sign on again.
	ErrPINBlock = fault.New(fault.Invalid, "pin_block_wrong", "密码数据有误，请重新签到后再试。", "The PIN data could not be read. Please sign on again.")
	// ErrTrack: the track makes no sense under its key. Sign on again.
	ErrTrack = fault.New(fault.Invalid, "track_wrong", "磁道数据有误，请重新签到后再试。", "The card data could not be read. Please sign on again.")
	// ErrNoKey: there is no such key.
	ErrNoKey = fault.New(fault.NotFound, "key_unknown", "没有可用的密钥，请先签到。", "There is no key for this. Please sign on first.")
	// ErrPurpose: the key, or name of a key, is not for that use.
	ErrPurpose = fault.New(fault.Invalid, "key_purpose", "密钥用途不符。", "The key is not for this use.")
	// ErrExists: another value is there already, and was not to be replaced.
	ErrExists = fault.New(fault.Conflict, "key_exists", "已有另一把密钥，未作更改。", "Another key is already there; nothing was changed.")
	// ErrComponent: a component or cryptogram does not match its check value, or they do not fit each other.
	ErrComponent = fault.New(fault.Invalid, "key_component", "密钥分量与校验值不符，请核对后重新输入。", "The key component does not match its check value. Please enter it again.")
	// ErrWeak: too short for its purpose, weak by itself, or with equal halves.
	ErrWeak = fault.New(fault.Invalid, "key_weak", "密钥强度不足。", "The key is too weak for its purpose.")
	// ErrKeyBlock: a key block is malformed, or not authentic under its protection key.
	ErrKeyBlock = fault.New(fault.Invalid, "key_block", "密钥块有误，请核对后重新导入。", "The key block is not valid. Please check it and import it again.")
	// ErrSealed: the key came, or was made, as one that never leaves.
	ErrSealed = fault.New(fault.Declined, "key_sealed", "这把密钥不允许导出。", "This key may not be exported.")
	// ErrLayout: no such sign-on key layout, or one with a single-length PIN key.
	ErrLayout = fault.New(fault.Invalid, "key_layout", "不支持这种签到方式。", "This kind of sign-on is not supported.")
	// ErrUnavailable: the keys cannot be read now.
	ErrUnavailable = fault.New(fault.Unavailable, "keystore_unavailable", "密钥服务暂时不可用，请稍后再试。", "The keystore cannot be reached. Please try again later.")
	// ErrCorrupt: a stored key does not unwrap; the row was changed, or moved from another name.
	ErrCorrupt = fault.New(fault.Internal, "key_corrupt", "密钥数据异常，我们已经记下。", "A stored key is damaged. We have recorded it.")
	// ErrMaster: the master key file is not usable, or not the one of this database.
	ErrMaster = fault.New(fault.Internal, "master_key", "主密钥文件不可用。", "The master key file is not usable.")
)
