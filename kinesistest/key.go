package kinesistest

// A KeyState is what is the matter with a key of KMS: the error that its use ends with. The zero value is a key that works.
type KeyState string

// The states of a key. KeyThrottled is the only one that passes by itself at the service; here all of them last until they are changed.
const (
	KeyWorks        KeyState = ""
	KeyDenied       KeyState = "KMSAccessDeniedException"
	KeyDisabled     KeyState = "KMSDisabledException"
	KeyInvalidState KeyState = "KMSInvalidStateException"
	KeyNotFound     KeyState = "KMSNotFoundException"
	KeyOptInNeeded  KeyState = "KMSOptInRequired"
	KeyThrottled    KeyState = "KMSThrottlingException"
)

// SetKeyState changes the state of a key of KMS, which is named as StartStreamEncryption names it. Every key works at first. While one
// does not, streams that are encrypted by it take and give no records: PutRecord, PutRecords and GetRecords fail, and subscriptions
// end with an exception.
func (s *Server) SetKeyState(key string, state KeyState) { s.kinesis.SetKey(key, string(state)) }
